/** From a drop or a choice to the queue, with a word on what was left out. */
import { plural, t } from "./i18n.ts";
import { session, sessionKnown } from "./session.ts";
import { toast } from "./toasts.ts";
import { fromDrop, fromInput, type Gathered } from "./uploads/files.ts";
import { enqueue } from "./uploads/queue.ts";

/** Which preset files are meant for; asked when the server has said which there are. */
export type Meant = () => string;

async function take({ picked, leftOut, unreadable }: Gathered, meant: Meant): Promise<void> {
  await sessionKnown;
  const limits = session.peek()?.limits;
  if (!limits) return;
  if (unreadable) toast(t("uploads.noFolder"), "bad");
  if (picked.length > 0) {
    enqueue(picked, meant(), limits);
    if (leftOut > 0) toast(plural("uploads.leftOut", leftOut));
  } else if (!unreadable) {
    toast(t("uploads.nothing"), "bad");
  }
}

export async function takeDrop(transfer: DataTransfer, meant: Meant): Promise<void> {
  await take(await fromDrop(transfer), meant);
}

export function takeInput(input: HTMLInputElement, meant: Meant): void {
  if (input.files && input.files.length > 0) void take(fromInput(input.files), meant);
  input.value = ""; // The same file can be chosen again.
}
