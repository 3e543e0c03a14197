// Validates HAR files with har-validator: node validate.cjs FILE…; the first complaint ends it.
const fs = require('fs')
const validate = require('har-validator')

async function main () {
  for (const file of process.argv.slice(2)) {
    try {
      await validate.har(JSON.parse(fs.readFileSync(file, 'utf8')))
    } catch (error) {
      console.error(file, JSON.stringify(error.errors || String(error), null, 1))
      process.exitCode = 1
    }
  }
}

main()
