// Bundles the page into src/sarau/web/static/dist/. Names are fixed: the server
// revalidates them by ETag, so that templates need no manifest.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const outdir = new URL("../src/sarau/web/static/dist/", import.meta.url).pathname;
const debug = process.argv.includes("--debug");

const result = await build({
  entryPoints: {
    app: new URL("src/main.tsx", import.meta.url).pathname,
    hash: new URL("src/uploads/hash.worker.ts", import.meta.url).pathname,
    page: new URL("src/styles/page.css", import.meta.url).pathname,
  },
  outdir,
  bundle: true,
  format: "esm",
  // The oldest browsers that have popovers, :has() and container queries.
  target: ["chrome114", "firefox125", "safari17"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: !debug,
  sourcemap: debug ? "inline" : false,
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  logLevel: "warning",
});

// What is bundled keeps its licences: one file beside it, from the packages themselves.
const packages = Object.keys(result.metafile.inputs)
  .map((path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1])
  .filter((path) => path !== undefined);
const notices = [];
for (const path of [...new Set(packages)].sort()) {
  const { name, version, license } = JSON.parse(await readFile(`${path}/package.json`, "utf8"));
  const files = (await readdir(path)).filter((file) => /^licen[cs]e/i.test(file));
  const texts = await Promise.all(files.map((file) => readFile(`${path}/${file}`, "utf8")));
  notices.push(`${name} ${version} (${license})`, ...texts);
}
await writeFile(`${outdir}licenses.txt`, notices.join("\n\n"));

for (const [path, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.log(`${path.split("/").at(-1)} ${(bytes / 1000).toFixed(1)} kB`);
}
