// Where the console begins.
import { render } from "preact";
import { App } from "./app.tsx";
import { followRoute } from "./state/place.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/layout.css";
import "./style/pages.css";
import "./style/output.css";
import "./style/run.css";
import "./style/files.css";
import "./style/terminal.css";

const root = document.querySelector("#console");
if (root !== null) {
  followRoute();
  render(<App />, root);
}
