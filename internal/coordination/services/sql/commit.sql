SELECT commit_directory(@document, @digest, @service_digests)
