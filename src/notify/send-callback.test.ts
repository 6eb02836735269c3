import { afterAll, beforeAll } from "vitest";
import { describeSendCallback } from "../../test/contract/send-callback.ts";
import { startCallbackReceiver } from "../../test/support/callback-receiver.ts";

let receiver: Awaited<ReturnType<typeof startCallbackReceiver>>;

beforeAll(async () => {
  receiver = await startCallbackReceiver();
});

afterAll(() => receiver.stop());

describeSendCallback(() => receiver.origin);
