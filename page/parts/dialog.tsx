import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { type Problem, toProblem } from "../state/problem.ts";
import { ProblemNote } from "./notes.tsx";

interface DialogProps {
  title: string;
  /** What the button does, such as "Start export". */
  action: string;
  isDangerous?: boolean;
  /** False while something is missing. */
  isReady?: boolean;
  onClose: () => void;
  /** Does what the button says. If it throws, the dialog stays and shows the error. */
  onConfirm: () => Promise<void>;
  children: ComponentChildren;
}

/** A modal dialog with a form. The browser keeps the focus in it; Escape closes it. */
export function Dialog({
  title,
  action,
  isDangerous = false,
  isReady = true,
  ...props
}: DialogProps) {
  const { onClose, onConfirm, children } = props;
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || !isReady) return;
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
    } catch (error) {
      setProblem(toProblem(error));
      setBusy(false);
    }
  };
  return (
    <dialog ref={element} aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={(event) => void confirm(event)}>
        <h2 id={titleId}>{title}</h2>
        {children}
        {problem !== null && <ProblemNote problem={problem} />}
        <div class="actions end">
          <button type="button" onClick={() => element.current?.close()}>
            Close
          </button>
          <button
            type="submit"
            class={isDangerous ? "danger" : "primary"}
            disabled={!isReady || isBusy}
          >
            {isBusy ? "Please wait…" : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface TypedNameProps {
  name: string;
  value: string;
  onInput: (value: string) => void;
  /** What typing the name confirms. */
  why: string;
}

/** A field in which a person types a name, to confirm something that cannot be undone. */
export function TypedName({ name, value, onInput, why }: TypedNameProps) {
  const id = useId();
  return (
    <div class="field typed">
      <label for={id}>
        Type <strong>{name}</strong> to confirm. {why}
      </label>
      <input
        id={id}
        value={value}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
