// What happens in an account, by name. Without zod, so that what runs in a browser can list them.
export const EVENT_TYPES = [
  "session.created",
  "session.idle",
  "session.deep_sleep",
  "session.woken",
  "session.expired",
  "session.deleted",
  "session.lost",
  "execution.completed",
  "limit.exceeded",
  "budget.exceeded",
] as const;
