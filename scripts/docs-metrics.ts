// Writes docs/metrics.md from the table in src/metrics/families.ts:  node --import tsx scripts/docs-metrics.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { metricsDocument } from '../src/metrics/document.ts';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
mkdirSync(docs, { recursive: true });
writeFileSync(`${docs}metrics.md`, metricsDocument());
