import type {Package} from './packages.ts';

/**
 * A software bill of materials: https://cyclonedx.org/docs/1.6/json/. Without a serial number and a time, which would make two
 * of the same packages differ; where a package is downloaded from is its user's choice.
 */
export function bill(all: readonly Package[]): string {
	const reference = new Map(
		all.map(each => [each.path, `${each.name}@${each.version}${each.path === '' ? '' : `#${each.path}`}`]),
	);
	const self = all.find(({path}) => path === '');
	const component = (each: Package): object => ({
		type: each.path === '' ? 'application' : 'library',
		'bom-ref': reference.get(each.path),
		name: each.name,
		version: each.version,
		...(each.integrity === null ? {} : {hashes: each.integrity.split(' ').map(hash)}),
		licenses: [/^[\w.+-]+$/.test(each.licence) ? {license: {id: each.licence}} : {expression: each.licence}],
		purl: `pkg:npm/${each.name.replace('@', '%40')}@${each.version}`,
	});
	const document = {
		$schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
		bomFormat: 'CycloneDX',
		specVersion: '1.6',
		version: 1,
		metadata: {component: self && component(self)},
		components: all.filter(each => each !== self).map(component),
		dependencies: all.map(({path, needs}) => ({
			ref: reference.get(path),
			dependsOn: needs.map(each => reference.get(each)),
		})),
	};
	return `${JSON.stringify(document, null, '\t')}\n`;
}

/** `sha512-BASE64`, as npm writes it. */
function hash(integrity: string): object {
	const [algorithm = '', digest = ''] = integrity.split(/-(.*)/s);
	return {alg: algorithm.toUpperCase().replace('SHA', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex')};
}
