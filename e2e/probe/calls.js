// The calls of calls.go, by Node's own https and crypto.
const crypto = require("crypto");
const http = require("http");
const https = require("https");

const name = process.env.NAME;
const region = process.env.AWS_REGION;
const sha256 = (text) => crypto.createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();

function request(library, options, body) {
  return new Promise((resolve, reject) => {
    const req = library.request({ ...options, timeout: 10000 }, (res) => {
      let text = "";
      res.on("data", (part) => (text += part));
      res.on("end", () => resolve({ status: res.statusCode, text }));
    });
    req.on("timeout", () => req.destroy(new Error("timeout")));
    req.on("error", reject);
    req.end(body);
  });
}

function sign(key, service, method, host, path, headers, body) {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const all = { ...headers, host, "x-amz-date": time, "x-amz-security-token": key.Token, "x-amz-content-sha256": sha256(body) };
  const names = Object.keys(all).sort();
  const canonical = [method, path, "", ...names.map((n) => `${n}:${all[n]}`), "", names.join(";"), sha256(body)].join("\n");
  let secret = "AWS4" + key.SecretAccessKey;
  for (const part of scope.split("/")) secret = hmac(secret, part);
  const signature = hmac(secret, ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")).toString("hex");
  all.authorization = `AWS4-HMAC-SHA256 Credential=${key.AccessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return all;
}

async function attempt(what, key, service, method, host, path, headers, body) {
  try {
    const signed = sign(key, service, method, host, path, headers, body);
    const { status, text } = await request(https, { method, host, path, headers: signed }, body);
    const code = status < 300 ? "ok" : service === "s3" ? /<Code>(.*?)<\/Code>/.exec(text)[1] : JSON.parse(text).__type;
    console.log(`node ${what}: ${code}`);
  } catch (e) {
    console.log(`node ${what}: ${e.message}`);
  }
}

async function main() {
  const { text } = await request(http, { host: "169.254.170.2", path: process.env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI });
  const key = JSON.parse(text);
  const s3 = (what, method, object, body) => attempt(what, key, "s3", method, `${name}.s3.${region}.amazonaws.com`, "/" + object, {}, body);
  const json = (what, service, host, target, input) =>
    attempt(what, key, service, "POST", `${host}.${region}.amazonaws.com`, "/", { "content-type": "application/x-amz-json-1.1", "x-amz-target": target }, JSON.stringify(input));
  await s3("s3 get", "GET", "open", "");
  await s3("s3 get other", "GET", "closed", "");
  await s3("s3 put", "PUT", "open", "changed");
  await json("ecr describe", "ecr", "api.ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", { repositoryNames: [name] });
  await json("ecr list", "ecr", "api.ecr", "AmazonEC2ContainerRegistry_V20150921.ListImages", { repositoryName: name });
  await json("logs describe", "logs", "logs", "Logs_20140328.DescribeLogStreams", { logGroupName: name });
  await json("logs create", "logs", "logs", "Logs_20140328.CreateLogStream", { logGroupName: name, logStreamName: "x" });
  await json("secret get", "secretsmanager", "secretsmanager", "secretsmanager.GetSecretValue", { SecretId: name + "-open" });
  await json("secret get other", "secretsmanager", "secretsmanager", "secretsmanager.GetSecretValue", { SecretId: name + "-closed" });
}

main();
