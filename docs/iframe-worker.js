// Browsers start no worker from pages that are opened as files. There, the worker of the search runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inner = frame.contentWindow;
      this.inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const load = (one) =>
        new Promise((done, failed) => {
          const script = this.inner.document.createElement("script");
          Object.assign(script, { src: new URL(one, location.href).href, onload: done, onerror: failed });
          this.inner.document.head.append(script);
        });
      this.inner.importScripts = (...urls) => Promise.all(urls.map(load));
      this.loaded = load(url);
    }

    postMessage(data) {
      this.loaded.then(() => this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data })));
    }
  };
}
