"""How others release the same farm: the article's pipeline with its sleeps, and Ansible's rolling playbook.

Plain programs over boto3 against any endpoint; they know nothing of the product or the sandbox.
"""
