import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { language, plural, t, tOr } from "../../frontend/src/i18n.ts";
import en from "../../src/sarau/web/pages/strings/en.json" with { type: "json" };
import ptBR from "../../src/sarau/web/pages/strings/pt-BR.json" with { type: "json" };

const LANGUAGES: Record<string, Record<string, string>> = { en, "pt-BR": ptBR };
const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();

function sources(folder: URL): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) =>
      entry.isDirectory() ? sources(new URL(`${entry.name}/`, folder)) : readFileSync(new URL(entry.name, folder), "utf8"),
    )
    .join("\n");
}

test("both languages have the same keys, in the same order", () => {
  assert.deepEqual(Object.keys(ptBR), Object.keys(en));
});

test("no sentence is empty, and each fills in the same values in both languages", () => {
  for (const key of Object.keys(en)) {
    for (const strings of Object.values(LANGUAGES)) assert.ok(strings[key]!.trim(), key);
    assert.deepEqual(holes(LANGUAGES["pt-BR"]![key]!), holes(LANGUAGES["en"]![key]!), key);
  }
});

test("the languages differ, except for names, units and signs", () => {
  const same = Object.keys(en).filter((key) => LANGUAGES["en"]![key] === LANGUAGES["pt-BR"]![key]);
  const names = /^(app\.version|login\.token|preset\.(target|streaming|podcast)|uploads\.speed|detail\.(sha256|bits|mono|unknown)|track\.original|player\.original|event\.run\.stage|unit\..*)$/;
  assert.deepEqual(same.filter((key) => !names.test(key)), []);
});

test("every sentence is used: by its key, or by the family that is made at run time", () => {
  const text =
    sources(new URL("../../frontend/src/", import.meta.url)) +
    sources(new URL("../../src/sarau/web/pages/templates/", import.meta.url));
  const families = ["preset.", "warning.", "stage.", "state.", "verdict.", "event.", "message.", "uploads.", "list.", "severity.", "mode.", "crew.", "crew.state."];
  const unused = Object.keys(en).filter((key) => {
    const stem = key.replace(/\.(one|other)$/, "");
    return !text.includes(`"${stem}"`) && !families.some((family) => key.startsWith(family) && text.includes(`\`${family}\${`));
  });
  assert.deepEqual(unused, []);
});

test("values are filled in, plurals chosen, and a key of the future falls back", () => {
  language.value = "en";
  assert.equal(t("uploads.progress", { done: 1, total: 3 }), "1 of 3");
  assert.equal(plural("uploads.files", 1), "1 file");
  assert.equal(plural("uploads.files", 1200), "1,200 files");
  language.value = "pt-BR";
  assert.equal(plural("uploads.files", 1200), "1.200 arquivos");
  assert.equal(tOr("event.not.yet.known", "not.yet.known"), "not.yet.known");
});
