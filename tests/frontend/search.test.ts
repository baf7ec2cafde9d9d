import assert from "node:assert/strict";
import { test } from "node:test";
import { finds, fold } from "../../frontend/src/search.ts";

const track = (title: string, artist: string | null = null, filename = "x.wav"): { title: string; artist: string | null; filename: string } => ({ title, artist, filename });

test("names are folded as the server folds them", () => {
  assert.equal(fold("São João", "01_tema.wav"), " sao joao 01 tema wav ");
  assert.equal(fold("Ação", null, ""), " acao ");
  assert.equal(fold("Straße ﬁm ΜΕΣ"), " strasse fim μεσ ");
  assert.equal(fold("…", null), "");
});

test("accents, case, punctuation and the order of words do not matter", () => {
  for (const text of ["sao joao", "JOÃO são", "joão, São!", "01 tema", "tema.wav sao", "oão"]) {
    assert.ok(finds(text, track("São João", null, "01_tema.wav")), text);
  }
  assert.ok(finds("andrade quintal", track("Quintal", "Lia Andrade")));
  assert.ok(!finds("joana", track("São João")));
});

test("fewer than three characters are found where a word begins, more wherever they stand", () => {
  assert.ok(finds("jo", track("São João")));
  assert.ok(!finds("ao", track("São João")));
  assert.ok(finds("oao", track("São João")));
});

test("what has neither letter nor digit is looked for as it is", () => {
  assert.ok(finds("?", track("Quem?")));
  assert.ok(!finds("?", track("Quem")));
});
