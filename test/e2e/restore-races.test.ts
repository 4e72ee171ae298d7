// A restore replaces the container of a session that others are using at that moment.
import { expect, test } from "vitest";
import { Session } from "../../src/contract/session.ts";
import { Snapshot } from "../../src/contract/snapshot.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();

test("snapshots, forks and reads that come while a restore replaces the container are all answered", async () => {
  const { id } = await newSession(client);
  await client.execute({ sessionId: id, command: "echo kept > kept.txt" });
  const { snapshotId } = await client.ask(Snapshot, "POST", `/sessions/${id}/snapshots`, { label: "kept" });
  for (let round = 0; round < 4; round++) {
    const calls = [
      client.request("POST", `/sessions/${id}/snapshots`, { json: { label: "first" } }),
      client.request("POST", `/sessions/${id}/snapshots/${snapshotId}/restore`, { json: {} }),
      client.request("POST", `/sessions/${id}/snapshots`, { json: { label: "second" } }),
      client.request("GET", `/sessions/${id}/files/kept.txt`),
      client.request("POST", `/sessions/${id}/fork`, { json: {} }),
    ];
    const answers = await Promise.all(
      calls.map(async (call) => [(await call).status, await (await call).text()] as const),
    );
    expect(
      answers.map(([status]) => status),
      answers.map(([, text]) => text).join("\n"),
    ).toEqual([201, 200, 201, 200, 201]);
    const fork = Session.parse(JSON.parse(answers[4]?.[1] ?? ""));
    await client.request("DELETE", `/sessions/${fork.id}`);
  }
});
