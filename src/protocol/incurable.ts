// Failures of a start that another try does not cure: what the program needs is not there or not allowed, or it cannot be read. The worker
// asks this of the error that ends it, the primary of what it has heard of that.

const codes =
  'MODULE_NOT_FOUND|REQUIRE_ESM|UNKNOWN_FILE_EXTENSION|PACKAGE_PATH_NOT_EXPORTED|UNSUPPORTED_DIR_IMPORT|UNSUPPORTED_TYPESCRIPT_SYNTAX';
const incurable = new RegExp(
  `^(?:\\w*Error \\[ERR_(?:${codes})\\]: |(?:Error: )?(?:Cannot find module |(?:listen|bind) (?:EADDRINUSE|EACCES)\\b|EACCES: )|SyntaxError: )`,
  'm',
);
/** What was fetched or written by another program may be whole the next time. */
const isData = /^ +at JSON\.parse /m;

/** `error`: a stack as Node prints it, or one of tutti's explanations. */
export function isIncurable(error: string): boolean {
  return incurable.test(error) && !isData.test(error);
}
