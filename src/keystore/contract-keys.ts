/**
 * Contract keys in this process: from generation to encryption, in one buffer each that is then
 * overwritten. What runs where, and what overwriting is worth: docs/adr/0016-contract-keys.md.
 */

import { randomBytes } from 'node:crypto';
import type { Agreement } from '../iso15118/key-transport/agreement.ts';
import { ISO2_IV, sealForIso2 } from '../iso15118/key-transport/iso2.ts';
import { sealForIso20 } from '../iso15118/key-transport/iso20.ts';
import { ISO20_IV } from '../iso15118/key-transport/iso20-field.ts';
import { sealForIso20X448 } from '../iso15118/key-transport/iso20-x448.ts';
import {
  KeyTransportError,
  type KeyTransportErrorCode,
} from '../iso15118/key-transport/key-transport-error.ts';
import {
  type ContractKeyAlgorithm,
  ContractKeyError,
  type ContractKeyErrorCode,
  type ContractKeyRecipient,
  type ContractKeys,
  type FreshContractKey,
  type SealedContractKey,
} from '../services/contract-keys.ts';
import type { RandomBytes } from '../services/serial-numbers.ts';
import { agreeOnP256, agreeOnP521, agreeWithX448 } from './contract-key-agreement.ts';
import { checkedScalar } from './contract-key-check.ts';
import { type ContractKeyPair, contractKeyPair } from './contract-key-pair.ts';

export interface ContractKeySources {
  /** Makes the key pair; its private key is handed over. */
  readonly pair?: (algorithm: ContractKeyAlgorithm) => Promise<ContractKeyPair>;
  /** Draws initialization vectors. */
  readonly random?: RandomBytes;
}

/** Keys of contracts that this process makes itself. */
export const contractKeys = ({
  pair = contractKeyPair,
  random = randomBytes,
}: ContractKeySources = {}): ContractKeys => ({
  async generate(algorithm) {
    return freshKey(algorithm, await pair(algorithm), random);
  },
});

function freshKey(
  algorithm: ContractKeyAlgorithm,
  pair: ContractKeyPair,
  random: RandomBytes,
): FreshContractKey {
  let held: ContractKeyPair | undefined = pair;
  return {
    algorithm,
    spki: pair.spki,
    async seal(recipient) {
      if (held === undefined) {
        throw new ContractKeyError(
          'contract-key-used',
          'This contract key was sealed or discarded before.',
        );
      }
      const taken = held;
      held = undefined;
      try {
        return await seal(algorithm, taken, recipient, random);
      } catch (error) {
        throw translated(error);
      } finally {
        taken.secret.fill(0);
      }
    },
    discard() {
      held?.secret.fill(0);
      held = undefined;
    },
  };
}

async function seal(
  algorithm: ContractKeyAlgorithm,
  pair: ContractKeyPair,
  recipient: ContractKeyRecipient,
  random: RandomBytes,
): Promise<SealedContractKey> {
  // Before anything is encrypted: nobody can tell afterwards.
  const scalar = await checkedScalar(algorithm, pair);
  try {
    return await sealScalar(algorithm, scalar, recipient, random);
  } finally {
    scalar.fill(0);
  }
}

async function sealScalar(
  algorithm: ContractKeyAlgorithm,
  scalar: Uint8Array,
  recipient: ContractKeyRecipient,
  random: RandomBytes,
): Promise<SealedContractKey> {
  if (algorithm === 'P-256' && recipient.standard === 'iso15118-2') {
    return under(agreeOnP256(recipient.spki), 'P-256', (sharedSecret) =>
      sealForIso2({ scalar, iv: random(ISO2_IV), sharedSecret }),
    );
  }
  if (recipient.standard === 'iso15118-20') {
    const binding = recipient;
    if (algorithm === 'P-521') {
      return under(await agreeOnP521(recipient.spki), 'SECP521', (sharedSecret) =>
        sealForIso20({ scalar, iv: random(ISO20_IV), sharedSecret, binding }),
      );
    }
    if (algorithm === 'Ed448' && recipient.x448PublicKey !== undefined) {
      return under(await agreeWithX448(recipient.x448PublicKey), 'X448', (sharedSecret) =>
        sealForIso20X448({ scalar, iv: random(ISO20_IV), sharedSecret, binding }),
      );
    }
  }
  throw new ContractKeyError(
    'contract-key-recipient',
    `A contract key of type ${algorithm} is not for a car with such a key: P-256 is for ISO 15118-2, P-521 for ISO 15118-20, Ed448 for ISO 15118-20 with an X448 key.`,
  );
}

/** Encrypts with what was agreed on, and overwrites that. */
function under(
  { dhPublicKey, sharedSecret }: Agreement,
  curve: SealedContractKey['curve'],
  encrypt: (sharedSecret: Uint8Array) => Uint8Array,
): SealedContractKey {
  try {
    const encryptedPrivateKey = Uint8Array.from(encrypt(sharedSecret));
    return { dhPublicKey: Uint8Array.from(dhPublicKey), encryptedPrivateKey, curve };
  } finally {
    sharedSecret.fill(0);
  }
}

const codes: Partial<Record<KeyTransportErrorCode, ContractKeyErrorCode>> = {
  'recipient-key': 'contract-key-recipient',
  'shared-secret-zero': 'contract-key-recipient',
  'additional-data': 'contract-key-additional-data',
  'scalar-out-of-range': 'contract-key-self-check',
  'contract-key': 'contract-key-self-check',
  'key-mismatch': 'contract-key-self-check',
};

function translated(error: unknown): unknown {
  if (!(error instanceof KeyTransportError)) return error;
  const code = codes[error.code];
  return code === undefined ? error : new ContractKeyError(code, error.message);
}
