/**
 * The page's two languages. The sentences are in one file per language beside the
 * templates (src/sarau/web/pages/strings), because the server's own pages use them too.
 */
import { signal } from "@preact/signals";
import en from "../../src/sarau/web/pages/strings/en.json" with { type: "json" };
import ptBR from "../../src/sarau/web/pages/strings/pt-BR.json" with { type: "json" };

export type Language = "en" | "pt-BR";
export type Key = keyof typeof en;
/** Keys that have a `.one` and an `.other` form. */
export type PluralKey = Key extends infer K ? (K extends `${infer Stem}.one` ? Stem : never) : never;

const STRINGS: Record<Language, Record<Key, string>> = { en, "pt-BR": ptBR };

export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "pt-BR", name: "Português" },
  { code: "en", name: "English" },
];

export const language = signal<Language>("en");

function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The sentence of `key` in the current language; reading it in a component subscribes it. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return fill(STRINGS[language.value][key], values);
}

/** As `t`, choosing the form that `n` asks for; `{n}` in the sentence is the number. */
export function plural(key: PluralKey, n: number): string {
  const form = new Intl.PluralRules(language.value).select(n) === "one" ? "one" : "other";
  const text = STRINGS[language.value][`${key}.${form}` as Key];
  return fill(text, { n: new Intl.NumberFormat(language.value).format(n) });
}

/** As `t` for keys made at run time; `fallback` where the vocabulary has grown past the page. */
export function tOr(key: string, fallback: string, values: Record<string, string | number> = {}): string {
  const text = (STRINGS[language.value] as Record<string, string>)[key];
  return text === undefined ? fallback : fill(text, values);
}

/** Take the language that the server chose for this page. */
export function readLanguage(lang: string): void {
  language.value = lang === "pt-BR" ? "pt-BR" : "en";
}

/** Switch without a reload, so that uploads go on; the cookie tells the server. */
export function switchLanguage(to: Language): void {
  document.cookie = `sarau_lang=${to}; path=/; max-age=31536000; samesite=lax`;
  document.documentElement.lang = to;
  language.value = to;
}
