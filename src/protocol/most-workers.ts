// How many workers an app may have, for everybody who is asked for more.

/** More processes than this on one machine is a slip of the finger. */
export const MOST_WORKERS = 1024;
