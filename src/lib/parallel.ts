// The same work for many things, a few at a time.

/**
 * The answers in the order of `items`. After a failure nothing new is begun, and the first failure is the one thrown.
 */
export async function inParallel<Item, Answer>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const left = items.entries();
  let failed = false;
  const run = async (): Promise<void> => {
    for (const [index, item] of left) {
      if (failed) {
        return;
      }
      try {
        answers[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  return answers;
}
