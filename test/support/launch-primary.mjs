// `tutti run` with what only tests may set: argv[2] holds { options, launch } as JSON. Events are printed as JSON lines.
import { loadGiven } from '../../dist/tests/app.js';
import { launch } from '../../dist/tests/supervise.js';
import { surroundings } from '../../dist/tests/surroundings.js';

const { options, launch: more } = JSON.parse(process.argv[2]);
const app = launch(loadGiven(options, surroundings()), { signals: true, output: 'inherit', ...more });

app.on('event', (event) => console.log(JSON.stringify(event)));
app.ready.catch((error) => console.error(error.message));
process.exitCode = (await app.stopped).code;
