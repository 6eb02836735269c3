/** A sentence of the API. What it puts between backticks is code. */
export function Hint({ text }: { text: string }) {
  return (
    <>{text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>
  );
}
