import { createHash } from "node:crypto";

import { AwsClient } from "aws4fetch";

import { ExportError } from "../../api/errors.ts";
import { checkDestinationEndpoint } from "../../config/destination-endpoint.ts";
import { isPassing, parseProblem, type S3Problem, toStoreError } from "./s3-problem.ts";
import { type S3Location, toObjectUrl } from "./s3-url.ts";

/** A bucket, and the keys that sign its requests. */
export interface S3Bucket extends S3Location {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Set for temporary credentials. */
  sessionToken?: string | undefined;
}

/** How many times a request is sent before its error is reported. */
const ATTEMPTS_MAX = 5;
/** The wait before the second attempt; it doubles each time, and half of it is random. */
const WAIT_MS_FIRST = 200;
/** How long an attempt may take until its answer begins; for an answer that is read whole, until it ends. */
const ATTEMPT_MS_MAX = 120_000;

/** A request for the object of a key. */
export interface S3Request {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Query parameters. */
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

/** A successful answer. */
export interface S3Answer {
  headers: Headers;
  text: string;
}

/** What tests replace: the waits between attempts. Times are in milliseconds. */
export interface S3ClientOptions {
  /** True only for a Worker that runs on a developer's machine: it may reach its own host. */
  localDevelopment: boolean;
  wait?: (ms: number) => Promise<void>;
}

/** Sends signed requests to one bucket, and repeats those that fail for a passing reason. */
export class S3Client {
  readonly #bucket: S3Bucket;
  readonly #signer: AwsClient;
  readonly #wait: (ms: number) => Promise<void>;

  /** Errors: `configuration-invalid` if the endpoint's host is private. */
  constructor(bucket: S3Bucket, { localDevelopment, wait = waitFor }: S3ClientOptions) {
    checkDestinationEndpoint(bucket.endpoint, { localDevelopment });
    this.#bucket = bucket;
    this.#wait = wait;
    const { region, accessKeyId, secretAccessKey, sessionToken } = bucket;
    this.#signer = new AwsClient({
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });
  }

  /** Sends a request and returns its successful answer. Errors: those of `toStoreError`. */
  async send(key: string, request: S3Request): Promise<S3Answer> {
    const answer = await this.#exchange(key, request);
    if (isProblem(answer)) throw toStoreError(answer, this.#place());
    return answer;
  }

  /** Like `send`, but returns undefined if the answer has one of these codes or statuses. */
  async sendUnless(
    problems: readonly (string | number)[],
    key: string,
    request: S3Request,
  ): Promise<S3Answer | undefined> {
    const answer = await this.#exchange(key, request);
    if (!isProblem(answer)) return answer;
    if (problems.some((each) => each === answer.code || each === answer.status)) return undefined;
    throw toStoreError(answer, this.#place());
  }

  /** Like `send`, but leaves the body to be read; undefined if there is no such object. */
  async open(key: string, request: S3Request): Promise<Response | undefined> {
    const answer = await this.#repeat(key, request, async (response) => response);
    if (answer instanceof Response) return answer;
    if (answer.status === 404 && answer.code !== "NoSuchBucket") return undefined;
    throw toStoreError(answer, this.#place());
  }

  async #exchange(key: string, request: S3Request): Promise<S3Answer | S3Problem> {
    return this.#repeat(key, request, async (response) => {
      const text = await response.text();
      const { headers } = response;
      // A completion can begin with status 200 and still fail:
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html.
      return /<Error[\s>]/.test(text) ? parseProblem(500, headers, text) : { headers, text };
    });
  }

  /** Returns what `read` made of a successful answer, or the last problem. */
  async #repeat<T>(
    key: string,
    request: S3Request,
    read: (response: Response) => Promise<T | S3Problem>,
  ): Promise<T | S3Problem> {
    const url = toObjectUrl(this.#bucket, key);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      url.searchParams.set(name, value);
    }
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === ATTEMPTS_MAX;
      try {
        const answer = await this.#attempt(url, request, read);
        if (isLast || !isProblem(answer) || !isPassing(answer)) return answer;
      } catch (cause) {
        if (isLast) throw this.#silent(cause);
      }
      const ms = WAIT_MS_FIRST * 2 ** (attempt - 1);
      await this.#wait(ms / 2 + (Math.random() * ms) / 2);
    }
  }

  async #attempt<T>(
    url: URL,
    { method, headers = {}, body }: S3Request,
    read: (response: Response) => Promise<T | S3Problem>,
  ): Promise<T | S3Problem> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ATTEMPT_MS_MAX);
    try {
      // The payload's hash is part of the signature: the store refuses bytes that changed on their
      // way.
      const sha256 = createHash("sha256")
        .update(body ?? "")
        .digest("hex");
      const signed = await this.#signer.sign(url.href, {
        method,
        headers: { ...headers, "x-amz-content-sha256": sha256 },
        body: body ?? null,
        // A redirect could lead to a private host.
        redirect: "manual",
        signal: abort.signal,
      });
      const response = await fetch(signed);
      if (response.ok) return await read(response);
      return parseProblem(response.status, response.headers, await response.text());
    } finally {
      clearTimeout(timer);
    }
  }

  #silent(cause: unknown): ExportError {
    const { host, bucket } = this.#place();
    const message = `bucket ${JSON.stringify(bucket)} at ${host} did not answer ${ATTEMPTS_MAX} attempts`;
    return new ExportError("storage-unavailable", message, { cause });
  }

  #place(): { host: string; bucket: string; secrets: string[] } {
    const { endpoint, bucket, accessKeyId, secretAccessKey, sessionToken } = this.#bucket;
    const secrets = [secretAccessKey, sessionToken, accessKeyId];
    return {
      host: new URL(endpoint).host,
      bucket,
      secrets: secrets.filter((secret) => secret !== undefined),
    };
  }
}

function isProblem(answer: unknown): answer is S3Problem {
  return typeof answer === "object" && answer !== null && "code" in answer;
}

function waitFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
