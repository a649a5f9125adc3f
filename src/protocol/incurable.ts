// Recognizes errors that a retry does not cure: something that the program needs is missing or forbidden, or its code cannot be parsed. The
// worker asks about the error that ends it, the primary about what it was told.

const codes =
  'MODULE_NOT_FOUND|REQUIRE_ESM|UNKNOWN_FILE_EXTENSION|PACKAGE_PATH_NOT_EXPORTED|UNSUPPORTED_DIR_IMPORT|UNSUPPORTED_TYPESCRIPT_SYNTAX';
const incurable = new RegExp(
  `^(?:\\w*Error \\[ERR_(?:${codes})\\]: |(?:Error: )?(?:Cannot find module |(?:listen|bind) (?:EADDRINUSE|EACCES)\\b|EACCES: )|SyntaxError: )`,
  'm',
);
/** A parse error in data is curable: another program may have written or sent it, and it may be complete next time. */
const isData = /^ +at JSON\.parse /m;

/** `error`: a stack as Node prints it, or one of tutti's explanations. */
export function isIncurable(error: string): boolean {
  return incurable.test(error) && !isData.test(error);
}
