// Takes from the design system's own examples (options and the HTML they must give) those that the dashboard's templates
// are compared with, so that a new version of the design system shows up as a failing Go test and not as a broken page.
import { readFileSync } from "node:fs";

const wanted = {
  button: ["as a link"],
  "inset-text": ["default"],
  "skip-link": ["default"],
  tag: ["default"],
};

const picked = {};
for (const [component, names] of Object.entries(wanted)) {
  const file = new URL(`node_modules/nhsuk-frontend/dist/nhsuk/components/${component}/fixtures.json`, import.meta.url);
  picked[component] = JSON.parse(readFileSync(file, "utf8"))
    .fixtures.filter(({ name }) => names.includes(name))
    .map(({ name, context, html }) => ({ name, context, html }));
  if (picked[component].length === 0) {
    throw new Error(`no example of ${component} is named ${names.join(" or ")}`);
  }
}
process.stdout.write(`${JSON.stringify(picked, null, 2)}\n`);
