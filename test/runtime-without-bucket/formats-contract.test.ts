import { formatsContract } from "../contract/formats.ts";

formatsContract("the database of the jobs");
