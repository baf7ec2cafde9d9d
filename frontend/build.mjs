// Bundles the page into src/sarau/web/static/dist/. Names are fixed: the server
// revalidates them by ETag, so that templates need no manifest.
import { build } from "esbuild";

const outdir = new URL("../src/sarau/web/static/dist/", import.meta.url).pathname;
const debug = process.argv.includes("--debug");

const result = await build({
  entryPoints: {
    app: new URL("src/main.tsx", import.meta.url).pathname,
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
  legalComments: "linked",
  charset: "utf8",
  metafile: true,
  logLevel: "warning",
});

for (const [path, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.log(`${path.split("/").at(-1)} ${(bytes / 1000).toFixed(1)} kB`);
}
