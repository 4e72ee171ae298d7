// Runs in front of code that has no last statement for it (program.ts) and tells the supervisor when its top level has finished, by making
// the hidden source file read-only. Everything is put off by a moment and loaded only then: most executions are over
// before, and `fs` alone would cost them 1.5 ms. Must never keep the process alive nor show in its output.
setTimeout(() => {
  const source = Bun.main;
  import(source).then(
    async () => (await import("node:fs")).chmodSync(source, 0o400),
    () => {},
  );
}, 10).unref();
