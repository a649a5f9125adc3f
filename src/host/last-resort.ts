// Handles errors that nothing in the primary caught. Without it the primary would die at once and leave its workers alone. Installed only
// where the whole process is the supervisor.

/** `failed` is called for every uncaught error and unhandled rejection until the returned function is called. */
export function installLastResort(failed: (error: unknown) => void): () => void {
  process.on('uncaughtException', failed);
  return () => process.off('uncaughtException', failed);
}
