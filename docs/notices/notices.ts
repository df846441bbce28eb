import {compare, textsOf, type Package} from './packages.ts';

const head = `# Third-party notices

agentmux is made with these packages. Some are part of its program files, the others are installed beside it. \`npm run notices\`
writes this file; \`sbom.cdx.json\` says the same for machines.

`;

/** The packages with their licences, and each text once, under all that it is for. */
export function notices(all: readonly Package[]): string {
	const others = all.filter(({path}) => path !== '');
	const list = others
		.map(each => `- ${title(each)}: ${each.licence}`)
		.filter((line, at, lines) => lines.indexOf(line) === at);
	const byText = new Map<string, Package[]>();
	for (const each of others) for (const text of textsOf(each)) byText.set(text, [...(byText.get(text) ?? []), each]);
	const texts = [...byText].sort(([, [one]], [, [other]]) => compare(one?.path ?? '', other?.path ?? ''));
	const sections = texts.map(([text, of]) => `## ${[...new Set(of.map(title))].join(', ')}\n\n${fenced(text)}\n`);
	return `${head}${list.join('\n')}\n\n${sections.join('\n')}`;
}

function title({name, version}: Package): string {
	return `${name} ${version}`;
}

/** As it stands, whatever Markdown would make of it. */
function fenced(text: string): string {
	const ticks = '`'.repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
	return `${ticks}text\n${text}\n${ticks}`;
}
