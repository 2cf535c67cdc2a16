// What the product does not do itself: creates containers and SAS tokens in Azurite and fills them, for tests.
//   node admin.mjs ENDPOINT container NAME...
//   node admin.mjs ENDPOINT upload CONTAINER DIR
//   node admin.mjs ENDPOINT sas CONTAINER MINUTES
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { BlobServiceClient, ContainerSASPermissions, StorageSharedKeyCredential, generateBlobSASQueryParameters } from "@azure/storage-blob";

// The account that every Azurite has; public knowledge.
const credential = new StorageSharedKeyCredential(
  "devstoreaccount1",
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);
const [endpoint, command, ...names] = process.argv.slice(2);

if (command === "container") {
  const service = new BlobServiceClient(endpoint, credential);
  for (const name of names) await service.getContainerClient(name).createIfNotExists();
} else if (command === "upload") {
  const [containerName, folder] = names;
  const container = new BlobServiceClient(endpoint, credential).getContainerClient(containerName);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) await container.getBlockBlobClient(entry.name).uploadFile(join(folder, entry.name));
  }
} else if (command === "sas") {
  const [containerName, minutes] = names;
  const now = Date.now();
  const token = generateBlobSASQueryParameters(
    {
      containerName,
      permissions: ContainerSASPermissions.parse("racwdl"),
      startsOn: new Date(now - 86_400_000),
      expiresOn: new Date(now + Number(minutes) * 60_000),
    },
    credential,
  );
  console.log(token.toString());
} else {
  throw new Error(`unknown command ${command}`);
}
