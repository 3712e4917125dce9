import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import webhooks.core.ids

# Entries are append-only. An update may only give an entry its place in the chain, once; deletion is for retention.
# Attack: a hole in the application, or a hand in the database, that would rewrite what was done. Whoever owns the table
# can drop the trigger: that is what the chain and a head that is kept elsewhere are for.
PROTECT = """
CREATE FUNCTION webhooks_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sequence IS NULL AND NEW.sequence IS NOT NULL
       AND to_jsonb(OLD) - '{sequence,previous,hash}'::text[] = to_jsonb(NEW) - '{sequence,previous,hash}'::text[] THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND current_setting('clarion.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are append-only (% refused)', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON webhooks_auditentry
    FOR EACH ROW EXECUTE FUNCTION webhooks_audit_append_only();
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON webhooks_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_audit_append_only();
"""
UNPROTECT = """
DROP TRIGGER audit_append_only ON webhooks_auditentry;
DROP TRIGGER audit_not_truncated ON webhooks_auditentry;
DROP FUNCTION webhooks_audit_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0006_endpoint_auth"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="endpoint",
            options={
                "ordering": ("-id",),
                "permissions": (
                    ("operate_endpoint", "Can pause, resume, enable, disable, test and replay endpoints"),
                    ("reveal_endpoint", "Can see a new signing secret: make and rotate them"),
                ),
                "verbose_name": "endpoint",
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("api_key", "API key"),
                            ("platform_key", "platform key"),
                            ("oauth", "OAuth client"),
                            ("portal", "portal visitor"),
                            ("staff", "Staff"),
                            ("command", "Command"),
                            ("system", "System"),
                            ("anonymous", "nobody known"),
                        ],
                        max_length=12,
                    ),
                ),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("action", models.CharField(max_length=64)),
                ("object_kind", models.CharField(blank=True, max_length=32)),
                (
                    "objects_named",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=160), default=list, size=None
                    ),
                ),
                ("object_label", models.CharField(blank=True, max_length=200)),
                ("count", models.PositiveIntegerField(default=1, help_text="Objects that it was about.")),
                ("changes", models.JSONField(default=dict)),
                ("detail", models.JSONField(default=dict)),
                ("request_id", models.CharField(blank=True, max_length=128)),
                ("address", models.GenericIPAddressField(null=True)),
                ("sequence", models.BigIntegerField(null=True, unique=True)),
                ("previous", models.BinaryField(max_length=32, null=True)),
                ("hash", models.BinaryField(max_length=32, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["tenant", "-id"], name="audit_tenant"),
                    models.Index(fields=["action", "-id"], name="audit_action"),
                    models.Index(fields=["actor_id", "-id"], name="audit_actor"),
                    django.contrib.postgres.indexes.GinIndex(fields=["objects_named"], name="audit_object"),
                    models.Index(condition=models.Q(("sequence", None)), fields=["id"], name="audit_unsealed"),
                ],
            },
        ),
        migrations.RunSQL(PROTECT, UNPROTECT),
    ]
