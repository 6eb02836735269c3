import { inject } from "vitest";
import { describeSendCallback } from "../../contract/send-callback.ts";

describeSendCallback(() => inject("callbackReceiverOrigin"));
