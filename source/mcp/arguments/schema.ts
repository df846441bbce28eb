import {z} from 'zod';

/** A JSON schema with the few keywords that clients need. */
export interface ShortSchema {
	readonly type?: string;
	readonly description?: string;
	readonly enum?: readonly string[];
	readonly items?: ShortSchema;
	readonly properties?: {readonly [name: string]: ShortSchema};
	readonly required?: readonly string[];
	readonly additionalProperties?: true;
}

/**
 * The schema of a tool's arguments as clients list it. Every session has it in its context, and Gemini's API refuses all tools for
 * some keywords, so it has types and descriptions only: bounds are checked when the tool is called, and errors state them.
 */
export function shortSchema(schema: z.ZodType): ShortSchema {
	return shorten(z.toJSONSchema(schema, {io: 'input'}) as JsonSchema);
}

interface JsonSchema extends Omit<ShortSchema, 'additionalProperties' | 'items' | 'properties'> {
	readonly additionalProperties?: unknown;
	readonly items?: JsonSchema;
	readonly properties?: {readonly [name: string]: JsonSchema};
}

function shorten({type, description, enum: values, items, properties, required, ...rest}: JsonSchema): ShortSchema {
	return {
		...(type === undefined ? {} : {type}),
		...(description === undefined ? {} : {description}),
		...(values === undefined ? {} : {enum: values}),
		...(items === undefined ? {} : {items: shorten(items)}),
		...(properties === undefined
			? {}
			: {properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, shorten(each)]))}),
		...(required === undefined || required.length === 0 ? {} : {required}),
		// Gemini refuses an object without properties unless it says this.
		...(rest.additionalProperties === true ? {additionalProperties: true as const} : {}),
	};
}
