// Walks through the dashboard in Chromium as a person would: signs in, reads the figures, looks at the pages wide, on a phone,
// printed and without JavaScript, checks them against WCAG 2.2 A and AA with axe, and signs out again.
//
//   cd test/browser && npm ci
//   DASHBOARD_PASSWORD=... node check.mjs --url http://dashboard.ics-qop.cmhf.localhost:8080 --user NAME \
//     --expect people-referred=15 --expect waiting=Hidden [--services 3] [--synthetic yes|no] [--walk] [--out DIR]
//
// --expect gives what a tile must say; --walk looks at the other pages too; --out is where screenshots and the printout go. Exit status 0 means that all went well.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

function stop(message) {
  console.error(`browser: ${message}`);
  process.exit(2);
}

let chromium, AxeBuilder;
try {
  ({ chromium } = await import("playwright-core"));
  ({ AxeBuilder } = await import("@axe-core/playwright"));
} catch {
  stop("packages are missing. Run: cd test/browser && npm ci");
}
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  stop(`${executablePath} is missing. Run: apt-get update && apt-get install -y chromium, or name a browser in CHROMIUM`);
}

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    user: { type: "string" },
    expect: { type: "string", multiple: true, default: [] },
    services: { type: "string" },
    synthetic: { type: "string", default: "yes" },
    walk: { type: "boolean", default: false },
    out: { type: "string", default: "out" },
  },
});
const password = process.env.DASHBOARD_PASSWORD;
if (!options.url || !options.user || !password) {
  stop("give --url and --user, and the password in DASHBOARD_PASSWORD");
}
const origin = new URL(options.url).origin;
const expected = options.expect.map((pair) => {
  const at = pair.indexOf("=");
  if (at < 1) stop(`--expect ${pair}: write TILE=FIGURE`);
  return { tile: pair.slice(0, at), figure: pair.slice(at + 1) };
});
mkdirSync(options.out, { recursive: true });

let passed = 0;
let failed = 0;
const began = Date.now();

function check(what, good, detail = "") {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds}s  ${good ? "ok  " : "FAIL"}  ${what}${good || !detail ? "" : `\n        ${detail}`}`);
  if (good) passed++;
  else failed++;
}

async function axe(page, what) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  const detail = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
  check(`${what}: axe finds nothing against WCAG 2.2 AA`, violations.length === 0, detail.join("\n        "));
}

/** Opens a page whose console errors and foreign requests are collected: a blocked resource shows up as one of them. */
async function open(context, complaints) {
  const page = await context.newPage();
  page.on("console", (m) => {
    if (m.type() === "error" && page.url().startsWith(origin) && !/status of 404/.test(m.text())) complaints.push(m.text());
  });
  page.on("request", (r) => {
    if (page.url().startsWith(origin) && !r.isNavigationRequest() && new URL(r.url()).origin !== origin) {
      complaints.push(`request to ${new URL(r.url()).origin}`);
    }
  });
  return page;
}

/** The identity provider's form is its own: any page with a name field, a password field and one button will do. */
async function signIn(page) {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForSelector('input[type="password"]');
  await page.locator('input[name="username"]').fill(options.user);
  await page.locator('input[type="password"]').fill(password);
  await page.locator('button[type="submit"], input[type="submit"]').first().click();
  await page.waitForURL(`${origin}/at-a-glance`);
}

async function checkFigures(page, what) {
  for (const { tile, figure } of expected) {
    const found = await page.locator(`#tile-${tile} .app-tile__figure strong`).allInnerTexts();
    check(`${what}: tile ${tile} says ${figure}`, found.length === 1 && found[0] === figure, `it says ${JSON.stringify(found)}`);
  }
  if (options.services !== undefined) {
    const rows = await page.locator("tbody tr").count();
    check(`${what}: ${options.services} services are listed`, rows === Number(options.services), `${rows} are`);
  }
  const stripe = await page.getByRole("complementary", { name: "Synthetic data" }).count();
  check(`${what}: data are ${options.synthetic === "yes" ? "" : "not "}marked as synthetic`, stripe === (options.synthetic === "yes" ? 1 : 0));
}

/** Looks at one page wide, on a phone and printed, with everything unfolded and with a choice made by the keyboard alone. */
async function walk(page, path) {
  await page.goto(`${origin}/${path}`);
  await page.screenshot({ path: join(options.out, `${path}-desktop.png`), fullPage: true });
  await page.setViewportSize({ width: 320, height: 640 });
  await page.screenshot({ path: join(options.out, `${path}-phone.png`), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
  const folded = await page.locator("details:not([open]) > summary").count();
  for (let i = 0; i < folded; i++) {
    await page.locator("details:not([open]) > summary").first().press("Enter");
  }
  check(`${path}: all is unfolded by the keyboard`, (await page.locator("details:not([open])").count()) === 0);
  await axe(page, path);
  await page.setViewportSize({ width: 320, height: 640 });
  check(`${path}, 320 px: nothing is cut off sideways`, (await overflow(page)) <= 0, `${await overflow(page)} px too wide`);
  await axe(page, `${path}, 320 px`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ media: "print" });
  await page.pdf({ path: join(options.out, `${path}.pdf`), format: "A4" });
  await page.emulateMedia({ media: null });
  const area = page.getByLabel("Area or service");
  const choices = (await area.count()) === 0 ? 0 : await area.locator("option").count();
  if (choices > 1) {
    await area.focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("button", { name: "Show" }).press("Enter");
    await page.waitForURL(/area=/);
    check(`${path}: an area is chosen by the keyboard, and stands in the address`, new URL(page.url()).searchParams.get("area") !== "", page.url());
    check(`${path}: what was chosen stays chosen`, (await area.inputValue()) === new URL(page.url()).searchParams.get("area"));
  }
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
try {
  const complaints = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(20_000);
  const page = await open(context, complaints);

  await page.goto(options.url);
  await axe(page, "signed out");
  await page.screenshot({ path: join(options.out, "signed-out.png"), fullPage: true });
  await signIn(page);
  check("sign-in leads to At a glance", true);
  const cookies = (await context.cookies(origin)).filter((c) => c.name.startsWith("__Host-"));
  check(
    "one sealed session cookie, secure, out of reach of scripts, within what browsers keep",
    cookies.length === 1 && cookies[0].secure && cookies[0].httpOnly && cookies[0].value.length < 4000,
    JSON.stringify(cookies.map(({ name, secure, httpOnly, value }) => ({ name, secure, httpOnly, length: value.length }))),
  );
  await checkFigures(page, "wide");
  await axe(page, "wide");
  await page.screenshot({ path: join(options.out, "at-a-glance-desktop.png"), fullPage: true });

  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => document.activeElement?.textContent?.trim());
  await page.keyboard.press("Enter");
  await page.waitForURL(/#maincontent$/, { timeout: 5_000 }).catch(() => {}); // the check below says so
  check("keyboard: the first stop skips to the main content", skip === "Skip to main content" && page.url().endsWith("#maincontent"), skip);
  const stops = [];
  await page.goto(`${origin}/at-a-glance`);
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => document.activeElement?.textContent?.trim()));
  }
  check("keyboard: signing out can be reached", stops.includes("Sign out"), stops.join(" | "));
  await page.evaluate(() => document.activeElement?.blur());

  await page.setViewportSize({ width: 320, height: 640 });
  check("320 px: nothing is cut off sideways", (await overflow(page)) <= 0, `${await overflow(page)} px too wide`);
  await axe(page, "320 px");
  await page.screenshot({ path: join(options.out, "at-a-glance-phone.png"), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ forcedColors: "active" });
  await page.screenshot({ path: join(options.out, "at-a-glance-forced-colours.png"), fullPage: true });
  await page.emulateMedia({ forcedColors: "none" });

  for (const path of !options.walk ? [] : ["access-and-waits", "outcomes", "inequalities", "services", "about-the-data"]) {
    await walk(page, path);
  }
  await page.goto(`${origin}/at-a-glance`);

  await page.emulateMedia({ media: "print" });
  check("print: the sign-out button stays on the screen", !(await page.getByRole("button", { name: "Sign out" }).isVisible()));
  check("print: the watermark is there when data are synthetic", (await page.locator(".app-watermark:visible").count()) === (options.synthetic === "yes" ? 1 : 0));
  await page.pdf({ path: join(options.out, "at-a-glance.pdf"), format: "A4" });
  await page.emulateMedia({ media: null });

  await page.goto(`${origin}/no-such-page`);
  await axe(page, "page not found");

  const plain = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
  plain.setDefaultTimeout(20_000);
  const still = await plain.newPage();
  await still.goto(options.url);
  await signIn(still);
  await checkFigures(still, "without JavaScript");
  await still.getByRole("link", { name: "Access and waits" }).click();
  check("without JavaScript: Access and waits is shown", (await still.locator("h1").innerText()) === "Access and waits");

  await page.goto(`${origin}/at-a-glance`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/`);
  check("signing out leads back to the dashboard", (await page.getByRole("button", { name: "Sign in" }).count()) === 1);
  check("signing out removes the session", (await context.cookies(origin)).every((c) => !c.name.startsWith("__Host-cmhf-session")));
  await page.goto(`${origin}/at-a-glance`);
  check("signing out ends the identity provider's session", (await page.locator('input[type="password"]').count()) === 1, page.url());

  check("no console errors and no requests to other sites", complaints.length === 0, complaints.join("\n        "));
} catch (error) {
  check("the walk came to its end", false, String(error?.message ?? error).split("\n").slice(0, 6).join("\n        "));
} finally {
  await browser.close();
}
console.log(`browser: pictures and the printout are in ${options.out}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
