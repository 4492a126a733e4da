// Imported before everything else. Where the system's locale is POSIX, Chromium calls its language "en-US@posix", which is no
// language tag: what formats numbers by it, uPlot among them, throws while it is loaded, and nothing would be shown.

try {
  void new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US", configurable: true });
}
