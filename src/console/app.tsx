// The frame around every page: where one is, who is signed in, what is told at the edge.
import { isOffline } from "./state/connection.ts";
import { route } from "./state/place.ts";
import { pathOf } from "./state/route.ts";
import { theme, toggleTheme } from "./state/theme.ts";
import { client, signOut } from "./state/access.ts";
import { NoticeList } from "./parts/notice-list.tsx";
import { ShortcutHelp } from "./parts/shortcut-help.tsx";
import { Empty } from "./parts/problem.tsx";
import { lazy } from "./parts/lazy.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { SessionsPage } from "./pages/sessions.tsx";

const SessionPage = lazy("the session", async () => (await import("./pages/session.tsx")).SessionPage);
const AccountPage = lazy("the account", async () => (await import("./pages/account.tsx")).AccountPage);

export function App() {
  return (
    <>
      {client.value === null ? <SignIn /> : <SignedIn />}
      <NoticeList />
    </>
  );
}

function SignedIn() {
  const { page } = route.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={pathOf({ page: "sessions" })}>
          buntime
        </a>
        <nav aria-label="Console">
          <a
            href={pathOf({ page: "sessions" })}
            aria-current={page === "sessions" || page === "session" ? "true" : undefined}
          >
            Sessions
          </a>
          <a href={pathOf({ page: "account", tab: "usage" })} aria-current={page === "account" ? "true" : undefined}>
            Account
          </a>
          <a href="/docs" target="_blank" rel="noreferrer">
            API
          </a>
        </nav>
        <span class="spacer" />
        <button type="button" class="quiet" onClick={toggleTheme} aria-label={`Theme: ${theme.value}`} title="Theme">
          {theme.value === "dark" ? "☾" : theme.value === "light" ? "☀" : "◐"}
        </button>
        <button type="button" class="quiet" onClick={() => signOut()}>
          Sign out
        </button>
      </header>
      {isOffline.value && (
        <p class="offline" role="alert">
          No connection to the platform. What you see may be old; it is asked again by itself.
        </p>
      )}
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <ShortcutHelp />
    </>
  );
}

function Page() {
  const at = route.value;
  if (at.page === "sessions") return <SessionsPage />;
  if (at.page === "session") return <SessionPage key={at.session} session={at.session} tab={at.tab} />;
  if (at.page === "account") return <AccountPage tab={at.tab} />;
  return (
    <Empty title="There is nothing here">
      <h1 class="visually-hidden">Nothing here</h1>
      <p>
        <code>{at.path}</code> is no page of the console. <a href={pathOf({ page: "sessions" })}>All sessions</a>
      </p>
    </Empty>
  );
}
