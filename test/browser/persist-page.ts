// Runs in a page: the driver for IndexedDB, for the test to call.
import { IndexedDbSessionPersistDriver } from "../../src/sdk/persist/indexeddb.ts";
import { answerTo } from "../persist/remote.ts";

const driver = new IndexedDbSessionPersistDriver({ databaseName: new URL(location.href).pathname });

Object.assign(window, {
  answerTo: (text: string) => answerTo(driver, text),
  letGo: () => driver.close(),
});
