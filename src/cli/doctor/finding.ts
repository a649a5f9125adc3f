// One thing that `tutti doctor` has to say. Pure.

export interface Finding {
  about: string;
  verdict: 'good' | 'note' | 'problem';
  found: string;
  /** What follows from it, and what to do. */
  advice: string | null;
}

export function good(about: string, found: string): Finding {
  return { about, verdict: 'good', found, advice: null };
}

export function note(about: string, found: string, advice: string): Finding {
  return { about, verdict: 'note', found, advice };
}

export function problem(about: string, found: string, advice: string): Finding {
  return { about, verdict: 'problem', found, advice };
}

/** Each connection, file and pipe takes one; below this a busy server comes near it. */
const FEW_OPEN_FILES = 4096;

export function openFilesFinding(about: string, most: number | null): Finding | null {
  if (most === null) return null;
  if (most >= FEW_OPEN_FILES) return good(about, `${most} for each process`);
  return problem(
    about,
    `${most} for each process`,
    'Each connection takes one, and beyond it connections are refused. Raise it: LimitNOFILE= in a unit, ulimits in a container, ulimit -n in a shell.',
  );
}
