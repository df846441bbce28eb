import {type HubResponse} from '../http/http.ts';
import {type Catalog} from './catalog/catalog.ts';
import {findTable} from './request-context.ts';
import {findRoutine} from './catalog/routine.ts';

/** OPTIONS: the methods that the target supports. */
export function handleOptions(
	catalog: Catalog,
	target: {readonly kind: 'root' | 'table' | 'routine'; readonly name?: string},
): HubResponse {
	return {status: 200, headers: {Allow: methodsOf(catalog, target).join(',')}};
}

function methodsOf(
	catalog: Catalog,
	{kind, name = ''}: {readonly kind: 'root' | 'table' | 'routine'; readonly name?: string},
): string[] {
	const reads = ['OPTIONS', 'GET', 'HEAD'];
	if (kind === 'root') return reads;
	if (kind === 'routine') {
		const {volatility} = catalog.routines.get(name)?.[0] ?? findRoutine(catalog, {name, keys: [], contentType: null});
		return volatility === 'volatile' ? ['OPTIONS', 'POST'] : [...reads, 'POST'];
	}
	const {insertable, updatable, deletable, primaryKey} = findTable(catalog, name);
	return [
		...reads,
		...(insertable ? ['POST'] : []),
		...(insertable && updatable && primaryKey.length > 0 ? ['PUT'] : []),
		...(updatable ? ['PATCH'] : []),
		...(deletable ? ['DELETE'] : []),
	];
}
