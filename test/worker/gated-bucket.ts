// The real bucket behind a gate: each call takes effect, and is answered, when the test lets it; it may fail before or
// after its effect; and what an object that was lost has asked for is never answered. Objects are as old as the test's
// clock says.

export type Fault = "none" | "before" | "after";
/** Waits until it is this call's turn. */
export type Gate = (what: string) => Promise<void>;
/** What the repository and the sessions use of a bucket. */
type Call = "head" | "get" | "put" | "delete" | "list";

export interface Gated {
  readonly bucket: R2Bucket;
  /** No call takes effect any more, and none is answered; those that are taking effect have done so. */
  readonly lose: () => Promise<void>;
}

/** Outlives the objects that are lost: when each key was put. */
export type Ages = Map<string, number>;

export function gated(real: R2Bucket, ages: Ages, gate: Gate, nextFault: () => Fault): Gated {
  let lost = false;
  const inEffect = new Set<Promise<unknown>>();
  const call = async <T>(name: Call, effect: () => Promise<T>): Promise<T> => {
    const fault = nextFault();
    await gate(`${name} starts`);
    await unless(lost);
    if (fault === "before") {
      throw new Error(`${name} failed`);
    }
    const work = effect();
    inEffect.add(work);
    const answer = await work.finally(() => inEffect.delete(work));
    await gate(`${name} ends`);
    await unless(lost);
    if (fault === "after") {
      throw new Error(`${name} failed after all`);
    }
    return answer;
  };
  const bucket: Pick<R2Bucket, Call> = {
    head: (key) => call("head", () => real.head(key)),
    get: (key: string) => call("get", () => real.get(key)),
    put: (key: string, value: Uint8Array<ArrayBuffer>, options?: R2PutOptions) =>
      call("put", async () => {
        ages.set(key, Date.now());
        return real.put(key, value, options);
      }),
    delete: (keys) => call("delete", () => real.delete(keys)),
    list: (options) =>
      call("list", async () => {
        const listed = await real.list(options);
        const objects = listed.objects.map((object) => ({
          key: object.key,
          uploaded: new Date(ages.get(object.key) ?? 0),
        }));
        // SAFETY: nobody asks for more of them.
        return { ...listed, objects } as R2Objects;
      }),
  };
  return {
    // SAFETY: the other methods are not called.
    bucket: bucket as R2Bucket,
    lose: async () => {
      lost = true;
      await Promise.allSettled(inEffect);
    },
  };
}

function unless(lost: boolean): Promise<void> {
  return lost ? new Promise(() => {}) : Promise.resolve();
}
