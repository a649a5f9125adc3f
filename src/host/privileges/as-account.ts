// What the primary does in the name of the workers' user, while it stays root itself.

import process from 'node:process';

/** A user other than that of the primary. */
export interface Account {
  uid: number;
  gid: number;
  /** As the system calls it; else the number. */
  name: string;
  home: string | null;
}

/** Runs `act`, which must not wait for anything, with the rights of the account, as files see it; null: with our own. */
export function asAccount<T>(account: Account | null, act: () => T): T {
  const { getegid, geteuid, setegid, seteuid } = process;
  if (account === null || !getegid || !geteuid || !setegid || !seteuid) return act();
  const own = { uid: geteuid(), gid: getegid() };
  setegid(account.gid);
  try {
    seteuid(account.uid);
    try {
      return act();
    } finally {
      seteuid(own.uid);
    }
  } finally {
    setegid(own.gid);
  }
}
