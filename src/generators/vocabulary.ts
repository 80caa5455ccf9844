import type { Faker } from '@faker-js/faker';
import type { VocabularyName } from './plan-types.ts';

/** Distinct words wanted of each vocabulary; fewer come when the library does not know that many. */
const WORDS_MAX: Readonly<Record<VocabularyName, number>> = {
  name: 500,
  first_name: 200,
  last_name: 300,
  email: 500,
  phone: 500,
  city: 200,
  country: 60,
  company: 200,
  product: 100,
  street: 300,
  words: 200,
};

/** Vocabularies are the same for every seed: the seed chooses among the words. */
const VOCABULARY_SEED = 20240101;

/**
 * Words to choose from, from a library of names (loaded only when it is needed). An `email` is the part before the `@`: the row's number
 * makes it distinct.
 */
export async function vocabularies(
  names: ReadonlySet<VocabularyName>,
): Promise<ReadonlyMap<VocabularyName, readonly string[]>> {
  if (names.size === 0) return new Map();
  const { faker } = await import('@faker-js/faker/locale/fr');
  const all = [...names].map((name): [VocabularyName, readonly string[]] => {
    faker.seed(VOCABULARY_SEED);
    return [name, distinct(() => one(faker, name), WORDS_MAX[name])];
  });
  return new Map(all);
}

function one(faker: Faker, name: VocabularyName): string {
  switch (name) {
    case 'name':
      return `${faker.person.firstName()} ${faker.person.lastName()}`;
    case 'first_name':
      return faker.person.firstName();
    case 'last_name':
      return faker.person.lastName();
    case 'email':
      return plain(`${faker.person.firstName()}.${faker.person.lastName()}`);
    case 'phone':
      return `+33 6 ${faker.string.numeric(2)} ${faker.string.numeric(2)} ${faker.string.numeric(2)} ${faker.string.numeric(2)}`;
    case 'city':
      return faker.location.city();
    case 'country':
      return faker.location.country();
    case 'company':
      return faker.company.name();
    case 'product':
      return faker.commerce.productName();
    case 'street':
      return faker.location.streetAddress();
    case 'words':
      return faker.word.words(2);
  }
}

/** Letters without accents, digits, dots and hyphens: what every mail system takes. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9.-]/g, '')
    .toLowerCase();
}

function distinct(make: () => string, words_max: number): readonly string[] {
  const words = new Set<string>();
  for (let tries = 0; words.size < words_max && tries < words_max * 20; tries++) words.add(make());
  return [...words];
}
