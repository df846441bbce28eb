// npm run notices [-- --check]: writes THIRD-PARTY-NOTICES.md and sbom.cdx.json from package-lock.json and node_modules; with
// --check it compares, and exits 1 when they are not current. Nothing of it needs a network.
import {readFileSync, writeFileSync} from 'node:fs';
import {bill} from './bill.ts';
import {notices} from './notices.ts';
import {packages} from './packages.ts';

const root = new URL('../../', import.meta.url);
const all = packages();
const files = {'THIRD-PARTY-NOTICES.md': notices(all), 'sbom.cdx.json': bill(all)};

for (const [name, text] of Object.entries(files)) {
	const file = new URL(name, root);
	if (!process.argv.includes('--check')) writeFileSync(file, text);
	else if (readFileSync(file, 'utf8') !== text) {
		console.error(`${name} is not what the packages say. Renew it: npm run notices`);
		process.exitCode = 1;
	}
}
