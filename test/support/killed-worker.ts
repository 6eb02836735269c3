import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";

const TOKEN = "crash-test-token-0123456789";

interface KilledWorkerOptions {
  /** The folder of its state, which every start finds again. */
  state: string;
  /** A configuration of Wrangler; default: the repository's. */
  config?: string | undefined;
  vars?: Record<string, string>;
}

/** A local Worker that can be killed and restarted with the same state, and the calls of its API. */
export class KilledWorker {
  readonly #options: KilledWorkerOptions;
  #worker: LocalWorker;

  private constructor(options: KilledWorkerOptions, worker: LocalWorker) {
    this.#options = options;
    this.#worker = worker;
  }

  static async start(options: KilledWorkerOptions): Promise<KilledWorker> {
    return new KilledWorker(options, await start(options));
  }

  /** Sends SIGKILL to the whole process group, and starts the Worker again. */
  async kill(): Promise<void> {
    await this.#worker.kill();
    this.#worker = await start(this.#options);
  }

  /** Returns the JSON of an answer. Errors: any other status than 2xx. */
  async call<T>(method: string, path: string, body?: object): Promise<T> {
    return (await this.#fetch(method, path, body)).json<T>();
  }

  /** Returns the bytes of an answer. Errors: any other status than 2xx. */
  async download(path: string): Promise<Buffer> {
    return Buffer.from(await (await this.#fetch("GET", path)).arrayBuffer());
  }

  /** Deletes what a path names. Errors: any other status than 2xx. */
  async delete(path: string): Promise<void> {
    await (await this.#fetch("DELETE", path)).arrayBuffer();
  }

  /** Returns the end of what it has printed since its last start. */
  output(): string {
    return this.#worker.output().slice(-2_000);
  }

  /** Ends it in order. May be called again. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  async #fetch(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${this.#worker.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body !== undefined && {
        body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
      }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response;
  }
}

/** Starts the Worker with small parts, and with a short stall, so that the watchdog checks soon. */
function start({ state, config, vars }: KilledWorkerOptions): Promise<LocalWorker> {
  return startLocalWorker({
    persistTo: state,
    ...(config === undefined ? {} : { config }),
    vars: {
      ADMIN_AUTHORIZATION_TOKEN: TOKEN,
      EXPORT_PART_BYTES: "5242880",
      EXPORT_STALL_SECONDS: "5",
      ...vars,
    },
  });
}
