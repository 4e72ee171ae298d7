// The properties of an object, as they were defined.
import type { Encoding } from "./encoding.ts";
import { ACCESSOR, CONFIGURABLE, ENUMERABLE, USUAL, WRITABLE } from "./graph.ts";
import type { Property } from "./graph.ts";

export function encodeProperties(
  value: object,
  encoder: Encoding,
  except: (key: PropertyKey) => boolean = () => false,
  keys: readonly (string | symbol)[] = Reflect.ownKeys(value),
): { readonly properties?: readonly Property[] } {
  const properties = keys.filter((key) => !except(key)).flatMap((key) => encodeProperty(value, key, encoder));
  return properties.length === 0 ? {} : { properties };
}

export function encodeProperty(value: object, key: string | symbol, encoder: Encoding): Property[] {
  const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined) return [];
  const label = labelOf(key);
  const name = encoder.refer(key, label);
  const common =
    (descriptor.enumerable === true ? ENUMERABLE : 0) | (descriptor.configurable === true ? CONFIGURABLE : 0);
  encoder.count(16);
  if (!("value" in descriptor)) {
    return [
      [
        name,
        encoder.refer(descriptor.get, `get ${label}`),
        common | ACCESSOR,
        encoder.refer(descriptor.set, `set ${label}`),
      ],
    ];
  }
  const flags = common | (descriptor.writable === true ? WRITABLE : 0);
  const member = encoder.refer(descriptor.value, label);
  return [flags === USUAL ? [name, member] : [name, member, flags]];
}

function labelOf(key: string | symbol): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `.${key}`;
  return /^\d+$/.test(key) ? `[${key}]` : `[${JSON.stringify(key)}]`;
}
