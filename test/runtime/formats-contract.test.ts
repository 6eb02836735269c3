import { formatsContract } from "../contract/formats.ts";

formatsContract("R2");
