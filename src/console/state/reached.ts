// Whether the last try of a call got through to the platform.
import { signal } from "@preact/signals";

export const reached = signal(true);
