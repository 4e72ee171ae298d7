// Where saved workspaces live, in R2, under `<sessionId>/`.

/** Deletes everything that is kept for a session, page by page. Nothing there is fine. */
export async function deleteSnapshots(bucket: R2Bucket, sessionId: string): Promise<void> {
  const prefix = `${sessionId}/`;
  for (;;) {
    const page = await bucket.list({ prefix });
    if (page.objects.length === 0) {
      return;
    }
    await bucket.delete(page.objects.map((object) => object.key));
  }
}
