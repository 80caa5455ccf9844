import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** A certificate for 127.0.0.1 that signs itself: clients take it as their authority. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** Makes it in the folder, once. */
export async function selfSigned(folder: string): Promise<Certificate> {
  const key = join(folder, 'tls-key.pem');
  const certificate = join(folder, 'tls-certificate.pem');
  if (existsSync(certificate)) return { key, certificate };
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-keyout', key, '-out', certificate];
  await runCommand('openssl', [...args, ...names]);
  return { key, certificate };
}
