import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountEnvironment, accountOf, whoChooses } from '../../../../src/host/privileges/account.ts';
import { rootVerdict } from '../../../../src/host/privileges/root.ts';

const plain = { allowRoot: false, hasAccount: false };

test('an app as root is refused on a server, and is worth a word elsewhere', () => {
  const server = { isRoot: true, first: 'systemd', isMachine: true };
  assert.equal(rootVerdict(server, plain), 'refuse');
  assert.equal(rootVerdict({ ...server, first: 'init' }, plain), 'refuse');
  assert.equal(rootVerdict({ ...server, isMachine: false }, plain), 'warn');
  assert.equal(rootVerdict({ ...server, first: 'node' }, plain), 'warn');
  assert.equal(rootVerdict({ ...server, first: null }, plain), 'warn');
});

test('and is all right for whoever is not root, gives the workers a user, or allows it', () => {
  const server = { isRoot: true, first: 'systemd', isMachine: true };
  assert.equal(rootVerdict({ ...server, isRoot: false }, plain), 'ok');
  assert.equal(rootVerdict(server, { ...plain, hasAccount: true }), 'ok');
  assert.equal(rootVerdict(server, { ...plain, allowRoot: true }), 'ok');
});

test('a user that does not exist, or an argument that looks like an option, is refused', async () => {
  for (const name of ['no-such-user', '-x', '', '4294967295', '1e3', '../x']) {
    await assert.rejects(accountOf(name, null), { code: 'ERR_ACCOUNT_UNKNOWN' }, name);
  }
  await assert.rejects(accountOf(null, 'daemon'), { code: 'ERR_ACCOUNT_REFUSED' });
  assert.equal(await accountOf(null, null), null);
  assert.equal(await accountOf(String(process.getuid?.()), String(process.getgid?.())), null);
});

test('the home and the name of the new user stand in the environment, and what the operator set stays', () => {
  const account = { uid: 33, gid: 33, name: 'www-data', home: '/var/www' };
  const inherited = { HOME: '/root', USER: 'root', XDG_RUNTIME_DIR: '/run/user/0', PATH: '/bin' };
  assert.deepEqual(accountEnvironment(account, { ...inherited, USER: 'told' }, inherited), {
    HOME: '/var/www',
    USER: 'told',
    LOGNAME: 'www-data',
    PATH: '/bin',
  });
});

test('root writes logs only where nobody else leads them elsewhere', () => {
  assert.equal(whoChooses('/dev/null'), null);
  assert.equal(whoChooses('/etc/not-there/yet/web.log'), null);
  assert.match(whoChooses('/tmp/web.log') ?? '', /everybody may write/);
});
