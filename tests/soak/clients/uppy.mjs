// A page with nothing but Uppy: what is put into the input is sent at once.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

window.finished = false;
const uppy = new Uppy({ autoProceed: true });
uppy.use(Tus, { endpoint: "/files/", chunkSize: 1 << 20, retryDelays: Array(600).fill(300) });
uppy.on("complete", ({ successful }) => {
  window.finished = successful.length === 1;
});
document.querySelector("input").addEventListener("change", (event) => {
  const [data] = event.target.files;
  uppy.addFile({ name: data.name, type: data.type, data, meta: { filename: data.name, preset: "archive" } });
});
