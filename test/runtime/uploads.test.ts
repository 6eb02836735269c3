import { uploadsContract } from "../contract/uploads.ts";

uploadsContract("a bucket");
