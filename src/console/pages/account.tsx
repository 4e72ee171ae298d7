// The account: what it used, what it may use, its keys and its webhooks.
import type { ComponentType } from "preact";
import { ACCOUNT_TABS, pathOf } from "../state/route.ts";
import type { AccountTab } from "../state/route.ts";
import { lazy } from "../parts/lazy.tsx";
import { Tabs } from "../parts/tabs.tsx";

const TABS: Readonly<Record<AccountTab, ComponentType>> = {
  usage: lazy("usage", async () => (await import("./account/usage.tsx")).Usage),
  limits: lazy("limits", async () => (await import("./account/limits.tsx")).Limits),
  keys: lazy("keys", async () => (await import("./account/keys.tsx")).Keys),
  webhooks: lazy("webhooks", async () => (await import("./account/webhooks.tsx")).Webhooks),
};

export function AccountPage({ tab }: { readonly tab: AccountTab }) {
  const Tab = TABS[tab];
  return (
    <div class="page account">
      <div class="page-head">
        <h1>Account</h1>
      </div>
      <Tabs
        label="Account"
        names={ACCOUNT_TABS}
        current={tab}
        hrefOf={(name) => pathOf({ page: "account", tab: name })}
      />
      <section class={`tab tab-${tab}`} aria-label={tab}>
        <Tab />
      </section>
    </div>
  );
}
